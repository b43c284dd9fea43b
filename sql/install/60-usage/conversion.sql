-- conversion: a value in a metric's unit of sale (extension/core/usage/conversion.hpp), for those who look at one

CREATE FUNCTION tally._convert(value numeric, factor numeric, rounding text) RETURNS numeric
    AS 'MODULE_PATHNAME', 'tally_convert'
    LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION tally._convert(numeric, numeric, text) IS
    'value / factor, rounded: UP = ceiling, DOWN = floor, NEAREST = half away from zero, NEAREST_HALF = to multiples of 0.5, NEAREST_DECILE = of 0.1, NONE = exact where the quotient ends, else 16 or more digits. NULL rounding: the value itself';
