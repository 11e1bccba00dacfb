-- The versions that a merge makes. They go with the transaction.
CREATE TEMP TABLE merging (
  n           bigint NOT NULL,
  identifier  text COLLATE "C" PRIMARY KEY,
  collection  text NOT NULL,
  publisher   text NOT NULL,
  version     integer NOT NULL,
  change      text NOT NULL,
  created_at  timestamptz NOT NULL,
  doc         jsonb,
  links       jsonb NOT NULL,
  merged_into text
) ON COMMIT DROP
