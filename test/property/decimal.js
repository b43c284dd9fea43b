// Exact decimals as the oracle needs them: a mantissa and a scale, and the roundings of unit conversions as the README words them.
'use strict';

function parse(text) {
  const [, sign, whole, fraction = ''] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text);
  return { mantissa: BigInt(sign + whole + fraction), scale: fraction.length };
}

function show(mantissa, scale) {
  const digits = (mantissa < 0n ? -mantissa : mantissa).toString().padStart(scale + 1, '0');
  const fraction = digits.slice(digits.length - scale).replace(/0+$/, '');
  return `${mantissa < 0n ? '-' : ''}${digits.slice(0, digits.length - scale)}${scale > 0 && fraction ? `.${fraction}` : ''}`;
}

// A number without zeros after its last digit.
function trimmed(text) {
  if (text === null || text === undefined) return null;
  const { mantissa, scale } = parse(text);
  return show(mantissa, scale);
}

function floorDiv(a, b) {
  const quotient = a / b;
  return a % b < 0n ? quotient - 1n : quotient;
}

// Half away from zero.
function nearest(a, b) {
  const half = (2n * (a < 0n ? -a : a) + b) / (2n * b);
  return a < 0n ? -half : half;
}

// value / divisor, rounded; undefined where the quotient does not end (rounding NONE): PostgreSQL's own quotient is right then.
function convert(value, divisor, rounding) {
  if (value === null) return null;
  const { mantissa, scale } = parse(value);
  const below = 10n ** BigInt(scale) * BigInt(divisor);
  switch (rounding) {
    case 'UP': return show(-floorDiv(-mantissa, below), 0);
    case 'DOWN': return show(floorDiv(mantissa, below), 0);
    case 'NEAREST': return show(nearest(mantissa, below), 0);
    case 'NEAREST_HALF': return show(nearest(mantissa * 2n, below) * 5n, 1);
    case 'NEAREST_DECILE': return show(nearest(mantissa * 10n, below), 1);
    default: {
      const digits = 400;
      const shifted = mantissa * 10n ** BigInt(digits);
      return shifted % below === 0n ? show(shifted / below, digits) : undefined;
    }
  }
}

module.exports = { convert, trimmed };
