CREATE OR REPLACE FUNCTION rate_of(currency text, basis text, at text)
  RETURNS TABLE (per_euro numeric, rate_date date, source text)
  LANGUAGE sql STABLE PARALLEL SAFE ROWS 1
AS $$
  SELECT 1::numeric, NULL::date, NULL::text WHERE rate_of.currency = 'EUR'
  UNION ALL
  (SELECT rates.per_euro, rates.date, rates.source FROM rates
   WHERE rates.currency = rate_of.currency AND rates.basis = rate_of.basis
     AND rates.date <= first_day(rate_of.at) AND rates.until >= last_day(rate_of.at)
   ORDER BY rates.date DESC LIMIT 1)
$$;
