// Values as text. Times are UTC.

const decimals = (least, most = least) => {
  const numbers = new Intl.NumberFormat("en-US", { minimumFractionDigits: least, maximumFractionDigits: most });
  return (value) => numbers.format(value);
};
const compact = new Intl.NumberFormat("en-US", { notation: "compact", maximumFractionDigits: 1 });
const UNITS = [[86_400, "d"], [3_600, "h"], [60, "min"], [1, "s"]];

function span(seconds) {
  const [size, unit] = UNITS.find(([length]) => seconds >= length) ?? [1, "s"];
  return `${Math.floor(seconds / size)} ${unit}`;
}

const sign = (digits, options) => {
  const numbers = new Intl.NumberFormat("en-US", {
    minimumFractionDigits: digits, maximumFractionDigits: digits, signDisplay: "exceptZero", ...options,
  });
  return (value) => numbers.format(value);
};
const whole = decimals(0);

const NUMBERS = {
  count: decimals(0),
  money: decimals(2),
  gain: sign(2),
  growth: (value) => `${sign(0)(value * 100)} %`,
  deviations: sign(1),
  percent: (value) => `${whole(value * 100)} %`,
  price: decimals(3),
  short: (value) => compact.format(value),
  seconds: (value) => `${decimals(value < 10 ? 1 : 0)(value)} s`,
  ago: (text) => `${span((Date.now() - Date.parse(text)) / 1000)} ago`,
  until: (text) => span((Date.parse(text) - Date.now()) / 1000),
};

const TEXTS = {
  time: (text) => text.slice(0, 19).replace("T", " "),
  minute: (text) => text.slice(0, 16).replace("T", " "),
};

export function isNumeric(as) {
  return as in NUMBERS;
}

// Whether a value is a gain or a loss, as far as its text shows it.
export function tone(value, as) {
  if (as !== "gain" && as !== "growth") return "";
  const text = format(value, as);
  return text.startsWith("+") ? "gain" : text.startsWith("-") ? "loss" : "";
}

export function format(value, as) {
  return (NUMBERS[as] ?? TEXTS[as] ?? String)(value);
}
