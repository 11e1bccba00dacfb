-- Exchange rates against the euro, each with the days that it holds for, its source, and
-- when the register came to know it: what was answered with a rate is answered with the
-- same rate for ever, as of then.
CREATE TABLE exchange_rates (
  currency      text NOT NULL,
  basis         text NOT NULL,
  -- The day, or the first day of the month or year.
  date          date NOT NULL,
  -- The last day that it holds for: of a Friday's rate, the Sunday after.
  until         date NOT NULL,
  -- So many units of the currency for one euro.
  per_euro      numeric(28, 12) NOT NULL,
  source        text NOT NULL,
  recorded_at   timestamptz NOT NULL,
  superseded_at timestamptz,
  PRIMARY KEY (currency, basis, date, recorded_at),
  CONSTRAINT exchange_rates_currency_format CHECK (currency ~ '^[A-Z]{3}$' AND currency <> 'EUR'),
  CONSTRAINT exchange_rates_basis_known CHECK (basis IN ('value_date', 'month_average', 'year_average')),
  CONSTRAINT exchange_rates_positive CHECK (per_euro > 0),
  CONSTRAINT exchange_rates_source_present CHECK (source <> ''),
  CONSTRAINT exchange_rates_forward CHECK (until >= date),
  CONSTRAINT exchange_rates_in_order CHECK (superseded_at > recorded_at)
);
CREATE UNIQUE INDEX exchange_rates_in_force_idx ON exchange_rates (currency, basis, date) WHERE superseded_at IS NULL;

-- The rates in force, now and as of an instant.
CREATE VIEW rates AS
  SELECT currency, basis, date, until, per_euro, source, recorded_at FROM exchange_rates WHERE superseded_at IS NULL;
CREATE VIEW past.rates AS
  SELECT currency, basis, date, until, per_euro, source, recorded_at FROM public.exchange_rates
  WHERE recorded_at <= public.as_of() AND (superseded_at IS NULL OR superseded_at > public.as_of());

-- The rate of a currency at a date, as exact as that is stated: a rate holds for it if it
-- holds for all days that it can mean. The names are looked up when it is called, so that
-- the past has the rates of then.
CREATE FUNCTION rate_of(currency text, basis text, at text)
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

-- An amount at one rate against the euro as an amount at another, in cents.
CREATE FUNCTION exchanged(amount numeric, from_rate numeric, to_rate numeric) RETURNS numeric
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN round(amount * to_rate / from_rate, 2);

-- An amount in another currency, with the rates that it was converted by; without them
-- its amount is null, and the reason stands there.
CREATE FUNCTION converted(amount numeric, from_currency text, to_currency text, basis text, at text) RETURNS jsonb
  LANGUAGE sql STABLE PARALLEL SAFE
AS $$
  SELECT CASE
    WHEN converted.amount IS NULL THEN NULL
    WHEN from_currency = to_currency THEN
      jsonb_build_object('amount', round(converted.amount, greatest(2, min_scale(converted.amount))),
        'currency', to_currency, 'rate', 1, 'rates', '[]'::jsonb)
    ELSE (
      SELECT jsonb_build_object(
        'amount', exchanged(converted.amount, giving.per_euro, taking.per_euro),
        'currency', to_currency,
        'rate', trim_scale(round(taking.per_euro / giving.per_euro, 12)),
        'rate_basis', converted.basis,
        'rates', (
          SELECT coalesce(jsonb_agg(jsonb_build_object('currency', used.currency, 'per_euro', trim_scale(used.per_euro),
            'date', used.rate_date, 'source', used.source) ORDER BY used.currency), '[]')
          FROM (VALUES (from_currency, giving.per_euro, giving.rate_date, giving.source),
                       (to_currency, taking.per_euro, taking.rate_date, taking.source))
            AS used (currency, per_euro, rate_date, source)
          WHERE used.rate_date IS NOT NULL),
        'reason', CASE WHEN converted.at IS NULL THEN 'no_date'
          WHEN length(converted.at) < CASE converted.basis WHEN 'value_date' THEN 10 WHEN 'month_average' THEN 7 ELSE 4 END
            THEN 'date_not_exact'
          WHEN giving.per_euro IS NULL OR taking.per_euro IS NULL THEN 'no_rate' END)
      FROM (SELECT 1) AS one
      LEFT JOIN rate_of(from_currency, converted.basis, converted.at) AS giving ON true
      LEFT JOIN rate_of(to_currency, converted.basis, converted.at) AS taking ON true)
  END
$$;
