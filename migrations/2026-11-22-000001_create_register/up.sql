-- The register's spine: who publishes, which identifiers exist, every version
-- ever written, and who refers to whom. The tables of the ten collections
-- follow in the next migration.

CREATE TABLE publishers (
  id         text COLLATE "C" PRIMARY KEY,
  name       text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT publishers_id_format CHECK (id ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
  CONSTRAINT publishers_name_present CHECK (name <> '')
);

-- An identifier belongs to the publisher with the longest prefix that it starts with.
CREATE TABLE publisher_prefixes (
  prefix    text COLLATE "C" PRIMARY KEY,
  publisher text COLLATE "C" NOT NULL REFERENCES publishers
);
CREATE INDEX publisher_prefixes_publisher_idx ON publisher_prefixes (publisher);

-- Every identifier that was ever used, in whichever collection. Rows are never
-- removed: a deleted identifier keeps answering 410 and is not given out again.
CREATE TABLE records (
  identifier  text COLLATE "C" PRIMARY KEY,
  collection  text NOT NULL,
  version     integer NOT NULL,
  live        boolean NOT NULL,
  merged_into text COLLATE "C" REFERENCES records,
  CONSTRAINT records_version_positive CHECK (version > 0),
  CONSTRAINT records_merged_is_not_live CHECK (merged_into IS NULL OR NOT live),
  CONSTRAINT records_live_key UNIQUE (identifier, collection, live)
);

-- One row, locked by each write until it commits: it orders all writes. So
-- positions have no gaps, become visible in their order, and their instants
-- never run backwards, whatever the machine's clock does.
CREATE TABLE commit_clock (
  only_row boolean PRIMARY KEY DEFAULT true,
  position bigint NOT NULL,
  at       timestamptz NOT NULL,
  -- What tells this register from any other: it goes into tags, and seals cursors.
  register uuid NOT NULL DEFAULT gen_random_uuid(),
  CONSTRAINT commit_clock_only_row CHECK (only_row)
);
INSERT INTO commit_clock (position, at) VALUES (0, now());

-- Every version of every record, the one in force included, whole: `doc` is the
-- record with its parts, `links` what it referred to. The register as it stood at T is
--   recorded_at <= T AND (superseded_at IS NULL OR superseded_at > T) AND doc IS NOT NULL
CREATE TABLE versions (
  position      bigint PRIMARY KEY,
  identifier    text COLLATE "C" NOT NULL REFERENCES records,
  collection    text NOT NULL,
  version       integer NOT NULL,
  change        text NOT NULL,
  doc           jsonb,
  links         jsonb NOT NULL,
  publisher     text COLLATE "C" NOT NULL REFERENCES publishers,
  issuer        text NOT NULL,
  subject       text NOT NULL,
  request_id    text NOT NULL,
  created_at    timestamptz NOT NULL,
  recorded_at   timestamptz NOT NULL,
  superseded_at timestamptz,
  CONSTRAINT versions_identifier_version_key UNIQUE (identifier, version),
  CONSTRAINT versions_change_known CHECK (change IN ('created', 'changed', 'deleted')),
  CONSTRAINT versions_deleted_has_no_doc CHECK ((change = 'deleted') = (doc IS NULL)),
  CONSTRAINT versions_in_order CHECK (superseded_at > recorded_at)
);
CREATE UNIQUE INDEX versions_in_force_idx ON versions (identifier) WHERE superseded_at IS NULL;
CREATE INDEX versions_collection_idx ON versions (collection, recorded_at);

-- Who refers to whom, from which place in the record and as what. `target_live`
-- is always true: the foreign key therefore demands a target that still exists.
CREATE TABLE links (
  record            text COLLATE "C" NOT NULL REFERENCES records,
  pointer           text NOT NULL,
  role              text NOT NULL,
  target            text COLLATE "C" NOT NULL,
  target_collection text NOT NULL,
  target_live       boolean NOT NULL GENERATED ALWAYS AS (true) STORED,
  PRIMARY KEY (record, pointer),
  CONSTRAINT links_target_fkey FOREIGN KEY (target, target_collection, target_live)
    REFERENCES records (identifier, collection, live) DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX links_target_idx ON links (target, role);
CREATE INDEX links_collection_idx ON links (record, target_collection);

-- The first and last day that a date of reduced precision ('2011', '2011-03') can mean.
CREATE FUNCTION first_day(partial text) RETURNS date
  LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE length(partial)
  WHEN 4 THEN make_date(partial::integer, 1, 1)
  WHEN 7 THEN make_date(left(partial, 4)::integer, right(partial, 2)::integer, 1)
  ELSE make_date(left(partial, 4)::integer, substr(partial, 6, 2)::integer, right(partial, 2)::integer)
END;

CREATE FUNCTION last_day(partial text) RETURNS date
  LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE length(partial)
  WHEN 4 THEN make_date(partial::integer, 12, 31)
  WHEN 7 THEN (make_date(left(partial, 4)::integer, right(partial, 2)::integer, 1)
               + interval '1 month' - interval '1 day')::date
  ELSE first_day(partial)
END;

-- The text to sort by: English, else Serbian, else the first language there is; its
-- beginning, since an index entry has a limit.
CREATE FUNCTION sort_text(translations jsonb) RETURNS text
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN left(coalesce(translations ->> 'en', translations ->> 'sr',
  (SELECT min(value) FROM jsonb_each_text(translations)), ''), 200);

-- The values of one key in a list of objects, for array indexes.
CREATE FUNCTION pluck(parts jsonb, key text) RETURNS text[]
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ARRAY(SELECT part ->> key FROM jsonb_array_elements(parts) AS part WHERE part ->> key IS NOT NULL);

-- Shares: within each group none or all are stated, and then they sum to 100.
CREATE FUNCTION shares_are_whole(parts jsonb, group_key text) RETURNS boolean
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN NOT EXISTS (
  SELECT FROM jsonb_array_elements(parts) AS part
  GROUP BY part ->> group_key
  HAVING count(part ->> 'percentage') > 0
     AND (count(part ->> 'percentage') < count(*) OR sum((part ->> 'percentage')::numeric) <> 100));

-- Amounts of funding lines are not negative. All of them sum to an exact budget, rule
-- by rule; where only some are stated, or the budget is a highest one, they do not exceed it.
CREATE FUNCTION amounts_meet_budget(lines jsonb, budget jsonb) RETURNS boolean
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN NOT EXISTS (
  SELECT FROM jsonb_array_elements(lines) AS line
  GROUP BY line ->> 'rule'
  HAVING bool_or((line #>> '{amount,amount}')::numeric < 0)
      OR (budget ->> 'exactness' IN ('exact', 'at_most')
          AND bool_and(coalesce(line #>> '{amount,exactness}', 'exact') = 'exact')
          AND (sum((line #>> '{amount,amount}')::numeric) > (budget ->> 'amount')::numeric
            OR (budget ->> 'exactness' = 'exact' AND count(line #> '{amount,amount}') = count(*)
                AND sum((line #>> '{amount,amount}')::numeric) <> (budget ->> 'amount')::numeric))));
