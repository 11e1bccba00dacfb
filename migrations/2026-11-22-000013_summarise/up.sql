-- Totals by what is asked for most, kept up to date by whatever writes. A record is in one row
-- of each dimension for each of its keys; the dimension '' has every record, by the reason why it
-- does not count, '' for those that do. A key that is none has its reason, after a comma.
CREATE TABLE summaries (
  subject   text COLLATE "C" NOT NULL,
  dimension text COLLATE "C" NOT NULL,
  key       text COLLATE "C" NOT NULL,
  year      text COLLATE "C" NOT NULL,
  type      text COLLATE "C" NOT NULL,
  currency  text COLLATE "C" NOT NULL,
  reason    text COLLATE "C" NOT NULL,
  -- The sum of the parts, of the amounts as they are stated, and how many records they are of.
  part      numeric NOT NULL,
  amount    numeric NOT NULL,
  count     bigint NOT NULL,
  inexact   bigint NOT NULL,
  PRIMARY KEY (subject, dimension, key, year, type, currency, reason)
);

-- Up to which position, and by which rules. Whatever writes without summing up leaves this behind.
CREATE TABLE summary_state (
  only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
  position bigint NOT NULL,
  rules    text NOT NULL
);
INSERT INTO summary_state (position, rules) VALUES (0, '1');

-- Each place with the nearest one of a level that it is, or lies in: one, even where a place
-- lies in another of its own level.
CREATE OR REPLACE FUNCTION places_at(level text) RETURNS TABLE (place text, at text)
  LANGUAGE sql STABLE PARALLEL SAFE ROWS 500
AS $$
  WITH RECURSIVE up AS (
    SELECT identifier AS place, identifier AS at, kind, parent FROM locations
    UNION ALL
    SELECT up.place, l.identifier, l.kind, l.parent
    FROM up JOIN locations l ON l.identifier = up.parent WHERE up.kind <> level
  )
  SELECT place, at FROM up WHERE kind = level
$$;
