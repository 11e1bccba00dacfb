DROP FUNCTION converted, exchanged, rate_of;
DROP VIEW past.rates, rates;
DROP TABLE exchange_rates;
