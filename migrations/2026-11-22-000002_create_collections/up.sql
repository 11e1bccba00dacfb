-- The ten collections as they stand now. `doc` is the record with its parts as
-- its publisher wrote it; every other column is read from it by the database
-- itself, so that nothing can disagree, and carries the constraints, filters
-- and sorts. Sums and periods are checked here as well as in the program.

CREATE TABLE record_columns (
  identifier text COLLATE "C" PRIMARY KEY,
  publisher  text COLLATE "C" NOT NULL,
  version    integer NOT NULL,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  doc        jsonb NOT NULL
);

CREATE TABLE locations (
  LIKE record_columns INCLUDING ALL,
  name    text COLLATE "und-x-icu" NOT NULL GENERATED ALWAYS AS (sort_text(doc -> 'name')) STORED,
  kind    text NOT NULL GENERATED ALWAYS AS (doc ->> 'kind') STORED,
  country text NOT NULL GENERATED ALWAYS AS (doc ->> 'country') STORED,
  parent  text COLLATE "C" GENERATED ALWAYS AS (doc ->> 'parent') STORED,
  CONSTRAINT locations_parent_fkey FOREIGN KEY (parent) REFERENCES locations DEFERRABLE INITIALLY DEFERRED,
  CONSTRAINT locations_parent_is_other CHECK (parent <> identifier)
);

CREATE TABLE organisations (
  LIKE record_columns INCLUDING ALL,
  name   text COLLATE "und-x-icu" NOT NULL GENERATED ALWAYS AS (sort_text(doc -> 'name')) STORED,
  type   text NOT NULL GENERATED ALWAYS AS (doc ->> 'type') STORED,
  codes  text[] NOT NULL GENERATED ALWAYS AS (pluck(doc -> 'identifiers', 'code')) STORED
);

CREATE TABLE sources (
  LIKE record_columns INCLUDING ALL,
  title          text COLLATE "und-x-icu" NOT NULL GENERATED ALWAYS AS (sort_text(doc -> 'title')) STORED,
  published      date GENERATED ALWAYS AS (first_day(doc ->> 'published')) STORED,
  published_last date GENERATED ALWAYS AS (last_day(doc ->> 'published')) STORED,
  licence        text GENERATED ALWAYS AS (doc ->> 'licence') STORED
);

CREATE TABLE programmes (
  LIKE record_columns INCLUDING ALL,
  title      text COLLATE "und-x-icu" NOT NULL GENERATED ALWAYS AS (sort_text(doc -> 'title')) STORED,
  status     text NOT NULL GENERATED ALWAYS AS (doc ->> 'status') STORED,
  parent     text COLLATE "C" GENERATED ALWAYS AS (doc ->> 'parent') STORED,
  start_date date GENERATED ALWAYS AS (first_day(doc ->> 'start_date')) STORED,
  end_date   date GENERATED ALWAYS AS (last_day(doc ->> 'end_date')) STORED,
  amount     numeric(19, 4) GENERATED ALWAYS AS ((doc #>> '{budget,amount}')::numeric) STORED,
  currency   text GENERATED ALWAYS AS (doc #>> '{budget,currency}') STORED,
  exactness  text GENERATED ALWAYS AS (doc #>> '{budget,exactness}') STORED,
  sectors    text[] NOT NULL GENERATED ALWAYS AS (pluck(doc -> 'sectors', 'code')) STORED,
  tags       text[] NOT NULL GENERATED ALWAYS AS (pluck(doc -> 'tags', 'code')) STORED,
  CONSTRAINT programmes_parent_fkey FOREIGN KEY (parent) REFERENCES programmes DEFERRABLE INITIALLY DEFERRED,
  CONSTRAINT programmes_parent_is_other CHECK (parent <> identifier),
  CONSTRAINT programmes_period_forward CHECK (start_date <= end_date),
  CONSTRAINT programmes_budget_not_negative CHECK (amount >= 0),
  CONSTRAINT programmes_budget_has_currency CHECK ((amount IS NULL) = (currency IS NULL)),
  CONSTRAINT programmes_places_whole CHECK (shares_are_whole(doc -> 'places', NULL)),
  CONSTRAINT programmes_sectors_whole CHECK (shares_are_whole(doc -> 'sectors', 'vocabulary')),
  CONSTRAINT programmes_funding_whole CHECK (shares_are_whole(doc -> 'funding', 'rule')),
  CONSTRAINT programmes_funding_meets_budget CHECK (amounts_meet_budget(doc -> 'funding', doc -> 'budget'))
);

CREATE TABLE calls (
  LIKE record_columns INCLUDING ALL,
  title      text COLLATE "und-x-icu" NOT NULL GENERATED ALWAYS AS (sort_text(doc -> 'title')) STORED,
  programme  text COLLATE "C" NOT NULL GENERATED ALWAYS AS (doc ->> 'programme') STORED,
  announced  date GENERATED ALWAYS AS (first_day(doc ->> 'announced')) STORED,
  opens      date GENERATED ALWAYS AS (first_day(doc ->> 'opens')) STORED,
  closes     date GENERATED ALWAYS AS (last_day(doc ->> 'closes')) STORED,
  amount     numeric(19, 4) GENERATED ALWAYS AS ((doc #>> '{amount_on_offer,amount}')::numeric) STORED,
  currency   text GENERATED ALWAYS AS (doc #>> '{amount_on_offer,currency}') STORED,
  exactness  text GENERATED ALWAYS AS (doc #>> '{amount_on_offer,exactness}') STORED,
  CONSTRAINT calls_programme_fkey FOREIGN KEY (programme) REFERENCES programmes DEFERRABLE INITIALLY DEFERRED,
  CONSTRAINT calls_period_forward CHECK (opens <= closes),
  CONSTRAINT calls_announced_before_close CHECK (announced <= closes),
  CONSTRAINT calls_amount_not_negative CHECK (amount >= 0),
  CONSTRAINT calls_amount_has_currency CHECK ((amount IS NULL) = (currency IS NULL)),
  CONSTRAINT calls_places_whole CHECK (shares_are_whole(doc -> 'places', NULL))
);

CREATE TABLE grants (
  LIKE record_columns INCLUDING ALL,
  title      text COLLATE "und-x-icu" NOT NULL GENERATED ALWAYS AS (sort_text(doc -> 'title')) STORED,
  status     text NOT NULL GENERATED ALWAYS AS (doc ->> 'status') STORED,
  programme  text COLLATE "C" GENERATED ALWAYS AS (doc ->> 'programme') STORED,
  call       text COLLATE "C" GENERATED ALWAYS AS (doc ->> 'call') STORED,
  start_date date GENERATED ALWAYS AS (first_day(doc ->> 'start_date')) STORED,
  end_date   date GENERATED ALWAYS AS (last_day(doc ->> 'end_date')) STORED,
  amount     numeric(19, 4) GENERATED ALWAYS AS ((doc #>> '{budget,amount}')::numeric) STORED,
  currency   text GENERATED ALWAYS AS (doc #>> '{budget,currency}') STORED,
  exactness  text GENERATED ALWAYS AS (doc #>> '{budget,exactness}') STORED,
  sectors    text[] NOT NULL GENERATED ALWAYS AS (pluck(doc -> 'sectors', 'code')) STORED,
  tags       text[] NOT NULL GENERATED ALWAYS AS (pluck(doc -> 'tags', 'code')) STORED,
  CONSTRAINT grants_programme_fkey FOREIGN KEY (programme) REFERENCES programmes DEFERRABLE INITIALLY DEFERRED,
  CONSTRAINT grants_call_fkey FOREIGN KEY (call) REFERENCES calls DEFERRABLE INITIALLY DEFERRED,
  CONSTRAINT grants_period_forward CHECK (start_date <= end_date),
  CONSTRAINT grants_budget_not_negative CHECK (amount >= 0),
  CONSTRAINT grants_budget_has_currency CHECK ((amount IS NULL) = (currency IS NULL)),
  CONSTRAINT grants_places_whole CHECK (shares_are_whole(doc -> 'places', NULL)),
  CONSTRAINT grants_sectors_whole CHECK (shares_are_whole(doc -> 'sectors', 'vocabulary')),
  CONSTRAINT grants_funding_whole CHECK (shares_are_whole(doc -> 'funding', 'rule')),
  CONSTRAINT grants_funding_meets_budget CHECK (amounts_meet_budget(doc -> 'funding', doc -> 'budget')),
  CONSTRAINT grants_recipients_whole CHECK (shares_are_whole(doc -> 'recipients', NULL)),
  CONSTRAINT grants_recipients_meet_budget CHECK (amounts_meet_budget(doc -> 'recipients', doc -> 'budget'))
);

CREATE TABLE transactions (
  LIKE record_columns INCLUDING ALL,
  type      text NOT NULL GENERATED ALWAYS AS (doc ->> 'type') STORED,
  date      date NOT NULL GENERATED ALWAYS AS (first_day(doc ->> 'date')) STORED,
  date_last date NOT NULL GENERATED ALWAYS AS (last_day(doc ->> 'date')) STORED,
  programme text COLLATE "C" GENERATED ALWAYS AS (doc ->> 'programme') STORED,
  grant_id  text COLLATE "C" GENERATED ALWAYS AS (doc ->> 'grant') STORED,
  parent    text COLLATE "C" GENERATED ALWAYS AS (doc ->> 'parent') STORED,
  amount    numeric(19, 4) NOT NULL GENERATED ALWAYS AS ((doc #>> '{value,amount}')::numeric) STORED,
  currency  text NOT NULL GENERATED ALWAYS AS (doc #>> '{value,currency}') STORED,
  exactness text NOT NULL GENERATED ALWAYS AS (doc #>> '{value,exactness}') STORED,
  CONSTRAINT transactions_programme_fkey FOREIGN KEY (programme) REFERENCES programmes DEFERRABLE INITIALLY DEFERRED,
  CONSTRAINT transactions_grant_fkey FOREIGN KEY (grant_id) REFERENCES grants DEFERRABLE INITIALLY DEFERRED,
  CONSTRAINT transactions_parent_fkey FOREIGN KEY (parent) REFERENCES transactions DEFERRABLE INITIALLY DEFERRED,
  CONSTRAINT transactions_parent_is_other CHECK (parent <> identifier),
  CONSTRAINT transactions_one_activity CHECK (programme IS NULL OR grant_id IS NULL)
);

CREATE TABLE beneficiaries (
  LIKE record_columns INCLUDING ALL,
  name         text COLLATE "und-x-icu" NOT NULL GENERATED ALWAYS AS (sort_text(doc -> 'name')) STORED,
  kind         text NOT NULL GENERATED ALWAYS AS (doc ->> 'kind') STORED,
  organisation text COLLATE "C" GENERATED ALWAYS AS (doc ->> 'organisation') STORED,
  population   numeric GENERATED ALWAYS AS ((doc #>> '{population,value}')::numeric) STORED,
  codes        text[] NOT NULL GENERATED ALWAYS AS (pluck(doc -> 'identifiers', 'code')) STORED,
  CONSTRAINT beneficiaries_organisation_fkey FOREIGN KEY (organisation) REFERENCES organisations DEFERRABLE INITIALLY DEFERRED,
  CONSTRAINT beneficiaries_population_not_negative CHECK (population >= 0)
);

CREATE TABLE indicators (
  LIKE record_columns INCLUDING ALL,
  title     text COLLATE "und-x-icu" NOT NULL GENERATED ALWAYS AS (sort_text(doc -> 'title')) STORED,
  measure   text NOT NULL GENERATED ALWAYS AS (doc ->> 'measure') STORED,
  programme text COLLATE "C" GENERATED ALWAYS AS (doc ->> 'programme') STORED,
  grant_id  text COLLATE "C" GENERATED ALWAYS AS (doc ->> 'grant') STORED,
  CONSTRAINT indicators_programme_fkey FOREIGN KEY (programme) REFERENCES programmes DEFERRABLE INITIALLY DEFERRED,
  CONSTRAINT indicators_grant_fkey FOREIGN KEY (grant_id) REFERENCES grants DEFERRABLE INITIALLY DEFERRED,
  CONSTRAINT indicators_one_activity CHECK (programme IS NULL OR grant_id IS NULL)
);

CREATE TABLE observations (
  LIKE record_columns INCLUDING ALL,
  indicator  text COLLATE "C" NOT NULL GENERATED ALWAYS AS (doc ->> 'indicator') STORED,
  kind       text NOT NULL GENERATED ALWAYS AS (doc ->> 'kind') STORED,
  start_date date GENERATED ALWAYS AS (first_day(doc ->> 'start_date')) STORED,
  end_date   date GENERATED ALWAYS AS (last_day(doc ->> 'end_date')) STORED,
  value      numeric GENERATED ALWAYS AS ((doc ->> 'value')::numeric) STORED,
  exactness  text NOT NULL GENERATED ALWAYS AS (doc ->> 'exactness') STORED,
  CONSTRAINT observations_indicator_fkey FOREIGN KEY (indicator) REFERENCES indicators DEFERRABLE INITIALLY DEFERRED,
  CONSTRAINT observations_period_forward CHECK (start_date <= end_date)
);

-- What all ten have in common: existence in `records`, and the indexes of the
-- common filters and sorts.
DO $$
DECLARE collection text;
BEGIN
  FOREACH collection IN ARRAY ARRAY['programmes', 'calls', 'grants', 'transactions', 'beneficiaries',
    'organisations', 'indicators', 'observations', 'locations', 'sources'] LOOP
    EXECUTE format('ALTER TABLE %1$I ADD CONSTRAINT %1$s_identifier_fkey FOREIGN KEY (identifier) REFERENCES records,
      ADD CONSTRAINT %1$s_publisher_fkey FOREIGN KEY (publisher) REFERENCES publishers', collection);
    EXECUTE format('CREATE INDEX %1$s_publisher_idx ON %1$I (publisher, identifier)', collection);
    EXECUTE format('CREATE INDEX %1$s_updated_at_idx ON %1$I (updated_at, identifier)', collection);
    EXECUTE format('CREATE INDEX %1$s_created_at_idx ON %1$I (created_at, identifier)', collection);
  END LOOP;
END $$;
DROP TABLE record_columns;

-- A sort by something that may be absent counts the absent as lowest; the
-- expressions are the ones in the program's tables of sorts.
CREATE INDEX programmes_title_idx ON programmes (title, identifier);
CREATE INDEX programmes_status_idx ON programmes (status, identifier);
CREATE INDEX programmes_parent_idx ON programmes (parent, identifier);
CREATE INDEX programmes_start_date_idx ON programmes (coalesce(start_date, '-infinity'), identifier);
CREATE INDEX programmes_end_date_idx ON programmes (coalesce(end_date, '-infinity'), identifier);
CREATE INDEX programmes_amount_idx ON programmes (coalesce(amount, '-Infinity'), identifier);
CREATE INDEX programmes_currency_idx ON programmes (currency, identifier);
CREATE INDEX programmes_exactness_idx ON programmes (exactness, identifier);
CREATE INDEX programmes_sectors_idx ON programmes USING gin (sectors);
CREATE INDEX programmes_tags_idx ON programmes USING gin (tags);

CREATE INDEX calls_title_idx ON calls (title, identifier);
CREATE INDEX calls_programme_idx ON calls (programme, identifier);
CREATE INDEX calls_opens_idx ON calls (coalesce(opens, announced, '-infinity'), identifier);
CREATE INDEX calls_closes_idx ON calls (coalesce(closes, 'infinity'), identifier);
CREATE INDEX calls_amount_idx ON calls (coalesce(amount, '-Infinity'), identifier);
CREATE INDEX calls_currency_idx ON calls (currency, identifier);
CREATE INDEX calls_exactness_idx ON calls (exactness, identifier);

CREATE INDEX grants_title_idx ON grants (title, identifier);
CREATE INDEX grants_status_idx ON grants (status, identifier);
CREATE INDEX grants_programme_idx ON grants (programme, identifier);
CREATE INDEX grants_call_idx ON grants (call, identifier);
CREATE INDEX grants_start_date_idx ON grants (coalesce(start_date, '-infinity'), identifier);
CREATE INDEX grants_end_date_idx ON grants (coalesce(end_date, '-infinity'), identifier);
CREATE INDEX grants_amount_idx ON grants (coalesce(amount, '-Infinity'), identifier);
CREATE INDEX grants_currency_idx ON grants (currency, identifier);
CREATE INDEX grants_exactness_idx ON grants (exactness, identifier);
CREATE INDEX grants_sectors_idx ON grants USING gin (sectors);
CREATE INDEX grants_tags_idx ON grants USING gin (tags);

CREATE INDEX transactions_type_idx ON transactions (type, identifier);
CREATE INDEX transactions_date_idx ON transactions (date, identifier);
CREATE INDEX transactions_date_last_idx ON transactions (date_last);
CREATE INDEX transactions_programme_idx ON transactions (programme, identifier);
CREATE INDEX transactions_grant_idx ON transactions (grant_id, identifier);
CREATE INDEX transactions_parent_idx ON transactions (parent, identifier);
CREATE INDEX transactions_amount_idx ON transactions (coalesce(amount, '-Infinity'), identifier);
CREATE INDEX transactions_currency_idx ON transactions (currency, identifier);
CREATE INDEX transactions_exactness_idx ON transactions (exactness, identifier);

CREATE INDEX beneficiaries_name_idx ON beneficiaries (name, identifier);
CREATE INDEX beneficiaries_kind_idx ON beneficiaries (kind, identifier);
CREATE INDEX beneficiaries_organisation_idx ON beneficiaries (organisation, identifier);
CREATE INDEX beneficiaries_population_idx ON beneficiaries (coalesce(population, -1), identifier);
CREATE INDEX beneficiaries_codes_idx ON beneficiaries USING gin (codes);

CREATE INDEX organisations_name_idx ON organisations (name, identifier);
CREATE INDEX organisations_type_idx ON organisations (type, identifier);
CREATE INDEX organisations_codes_idx ON organisations USING gin (codes);

CREATE INDEX indicators_title_idx ON indicators (title, identifier);
CREATE INDEX indicators_measure_idx ON indicators (measure, identifier);
CREATE INDEX indicators_programme_idx ON indicators (programme, identifier);
CREATE INDEX indicators_grant_idx ON indicators (grant_id, identifier);

CREATE INDEX observations_indicator_idx ON observations (indicator, identifier);
CREATE INDEX observations_kind_idx ON observations (kind, identifier);
CREATE INDEX observations_start_date_idx ON observations (coalesce(start_date, '-infinity'), identifier);
CREATE INDEX observations_end_date_idx ON observations (coalesce(end_date, '-infinity'), identifier);
CREATE INDEX observations_value_idx ON observations (coalesce(value, '-Infinity'), identifier);
CREATE INDEX observations_exactness_idx ON observations (exactness, identifier);

CREATE INDEX locations_name_idx ON locations (name, identifier);
CREATE INDEX locations_kind_idx ON locations (kind, identifier);
CREATE INDEX locations_country_idx ON locations (country, identifier);
CREATE INDEX locations_parent_idx ON locations (parent, identifier);

CREATE INDEX sources_title_idx ON sources (title, identifier);
CREATE INDEX sources_published_idx ON sources (coalesce(published, '-infinity'), identifier);
CREATE INDEX sources_published_last_idx ON sources (published_last);
CREATE INDEX sources_licence_idx ON sources (licence, identifier);

-- The given places and every place inside them.
CREATE FUNCTION places_within(places text[]) RETURNS SETOF text
  LANGUAGE sql STABLE PARALLEL SAFE ROWS 50
AS $$
  WITH RECURSIVE within AS (
    SELECT place COLLATE "C" AS place FROM unnest(places) AS place
    UNION
    SELECT locations.identifier FROM locations JOIN within ON locations.parent = within.place
  )
  SELECT place FROM within
$$;
