"""How answers leave: kept-alive connections, and every way in which a network can fail."""

import http.client
import socket
import time
from email.utils import formatdate
from urllib.parse import urlsplit

import pytest

from opinionscope.simulator import Exchange, ExchangeServer, Fault, wire

from .conftest import Ask, Clock


def connect(server: ExchangeServer, timeout: float = 5) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=timeout)


def get(connection: http.client.HTTPConnection, path: str = "/openapi/market") -> bytes:
    connection.request("GET", path)
    return connection.getresponse().read()


def test_a_connection_serves_many_requests(server: ExchangeServer) -> None:
    connection = connect(server)
    get(connection)
    first = connection.sock
    get(connection)
    assert connection.sock is first is not None


def test_a_client_that_wants_the_connection_closed_gets_it_closed(server: ExchangeServer) -> None:
    with socket.create_connection((urlsplit(server.url).hostname, urlsplit(server.url).port or 0), timeout=5) as client:
        client.sendall(b"GET /openapi/market HTTP/1.1\r\nConnection: close\r\n\r\n")
        assert b"".join(iter(lambda: client.recv(65_536), b"")).endswith(b"}")


def test_the_date_header_tells_the_time_of_the_exchange(ask: Ask, clock: Clock) -> None:
    clock.advance(3_600)
    assert ask("/market").headers["Date"] == formatdate(clock.now, usegmt=True)


def test_another_method_than_get_is_refused_and_the_connection_stays_usable(server: ExchangeServer) -> None:
    connection = connect(server)
    connection.request("POST", "/openapi/market", body=b"x" * 5_000)
    response = connection.getresponse()
    assert (response.status, response.read()[:12]) == (405, b'{"errno": 40')
    assert get(connection).startswith(b'{"errno":0')


def test_a_wrong_or_missing_key_is_an_application_error(ask: Ask, server: ExchangeServer) -> None:
    server.api_key = "right"
    assert ask("/market").json() == {"errno": 11002, "errmsg": "invalid API key", "result": None}
    connection = connect(server)
    connection.request("GET", "/openapi/market", headers={"apikey": "right"})
    assert connection.getresponse().read().startswith(b'{"errno":0')


def test_the_documented_envelope(exchange: Exchange) -> None:
    with ExchangeServer(exchange, envelope="documented") as server:
        assert get(connect(server)).startswith(b'{"code":0,"msg":"success","result":{"list":[')
        unknown = b'{"code": 10200, "msg": "Topic ID does not exist", "result": null}'
        assert get(connect(server), "/openapi/market/1") == unknown


def test_the_answer_is_computed_half_way_through_the_latency(exchange: Exchange) -> None:
    wallet = exchange.wallets[0]
    slept: list[float] = []

    def trade_meanwhile() -> float:
        slept.append(0.1)
        exchange.add_trades(wallet, [exchange.make_trade(wallet)])
        return slept[-1]

    with ExchangeServer(exchange, latency=trade_meanwhile) as server:
        started = time.perf_counter()
        body = get(connect(server), f"/openapi/trade/user/{wallet}")
        assert time.perf_counter() - started >= 0.1
    assert slept == [0.1]
    assert b'"total":51' in body


def test_a_hanging_server_never_answers_and_stops_all_the_same(exchange: Exchange) -> None:
    with ExchangeServer(exchange) as server:
        server.faults.add(Fault("hang"))
        impatient = connect(server, timeout=0.2)
        with pytest.raises(TimeoutError):
            get(impatient)
        impatient.close()
        waiting = connect(server)
        waiting.request("GET", "/openapi/market")
        server.stop()
        with pytest.raises(ConnectionError):
            waiting.getresponse()
        assert server.count(200) == 0


def test_a_dripping_server_sends_a_byte_a_second(server: ExchangeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    assert wire.DRIP_SECONDS == 1
    monkeypatch.setattr(wire, "DRIP_SECONDS", 3_600)
    server.faults.add(Fault("drip"))
    with socket.create_connection(
        (urlsplit(server.url).hostname, urlsplit(server.url).port or 0), timeout=20
    ) as client:
        client.sendall(b"GET /openapi/market HTTP/1.1\r\n\r\n")
        assert client.recv(100) == b"H"
        client.settimeout(0.1)
        with pytest.raises(TimeoutError):
            client.recv(100)


def test_a_connection_is_reset_before_the_answer(server: ExchangeServer) -> None:
    server.faults.add(Fault("reset_before_answer", times=1))
    connection = connect(server)
    with pytest.raises(ConnectionResetError) as caught:
        get(connection)
    assert not isinstance(caught.value, http.client.RemoteDisconnected)  # that would be a polite end
    connection.close()
    assert get(connection)


def test_a_connection_is_reset_in_the_middle_of_the_body(server: ExchangeServer) -> None:
    server.faults.add(Fault("reset_in_body", times=1))
    with pytest.raises((ConnectionResetError, http.client.IncompleteRead)):
        get(connect(server))
    assert get(connect(server))


def test_a_huge_body_has_no_declared_length_and_flows_as_long_as_the_client_reads(server: ExchangeServer) -> None:
    server.faults.add(Fault("huge_body", times=1))
    connection = connect(server)
    connection.request("GET", "/openapi/market")
    response = connection.getresponse()
    assert response.getheader("Content-Length") is None
    assert len(response.read(10_000_000)) == 10_000_000
    connection.close()
    assert get(connect(server))


def test_a_stopped_server_drops_its_connections_and_comes_back_at_the_same_address(exchange: Exchange) -> None:
    server = ExchangeServer(exchange).start()
    url, connection = server.url, connect(server)
    get(connection)
    server.stop()
    server.stop()
    with pytest.raises(ConnectionError):
        get(connection)
    with pytest.raises(ConnectionRefusedError):
        get(connect(server))
    with server:
        assert server.url == url
        assert get(connect(server))
