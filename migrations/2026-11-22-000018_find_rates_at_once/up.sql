-- The days that a date can mean are the same for each rate: they are found once. No rate holds
-- for longer than a year, so none that began before then is looked at, where the right one is
-- missing. (The function is the one of migration 9 otherwise.)
CREATE OR REPLACE FUNCTION rate_of(currency text, basis text, at text)
  RETURNS TABLE (per_euro numeric, rate_date date, source text)
  LANGUAGE sql STABLE PARALLEL SAFE ROWS 1
AS $$
  SELECT 1::numeric, NULL::date, NULL::text WHERE rate_of.currency = 'EUR'
  UNION ALL
  SELECT found.per_euro, found.date, found.source
  FROM (SELECT first_day(rate_of.at) AS first, last_day(rate_of.at) AS last OFFSET 0) AS days
  CROSS JOIN LATERAL (
    SELECT rates.per_euro, rates.date, rates.source FROM rates
    WHERE rates.currency = rate_of.currency AND rates.basis = rate_of.basis
      AND rates.date BETWEEN days.first - 366 AND days.first AND rates.until >= days.last
    ORDER BY rates.date DESC LIMIT 1) AS found
$$;
