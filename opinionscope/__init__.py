"""opinionscope: watches the Opinion.Trade prediction market for people who follow its whales."""

__version__ = "0.1.0"
