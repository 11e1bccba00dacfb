-- Rates that are new, or differ from the one in force, which ends then.
WITH given AS (
  SELECT DISTINCT ON (currency, basis, date) currency, basis, date, until, per_euro::numeric(28, 12) AS per_euro, source
  FROM unnest($1, $2, $3, $4, $5, $6) WITH ORDINALITY AS given (currency, basis, date, until, per_euro, source, n)
  ORDER BY currency, basis, date, n DESC
), changed AS (
  SELECT given.* FROM given LEFT JOIN rates USING (currency, basis, date)
  WHERE (rates.per_euro, rates.source, rates.until) IS DISTINCT FROM (given.per_euro, given.source, given.until)
), ended AS (
  UPDATE exchange_rates SET superseded_at = $7 FROM changed
  WHERE exchange_rates.currency = changed.currency AND exchange_rates.basis = changed.basis
    AND exchange_rates.date = changed.date AND exchange_rates.superseded_at IS NULL
  RETURNING 1
)
INSERT INTO exchange_rates (currency, basis, date, until, per_euro, source, recorded_at)
SELECT currency, basis, date, until, per_euro, source, $7 FROM changed, (SELECT count(*) FROM ended) AS after_these
