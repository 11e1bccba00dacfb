-- Imports: what was ordered, what it came to, and the bodies of those that wait.

CREATE TABLE imports (
  id          uuid PRIMARY KEY,
  publisher   text COLLATE "C" REFERENCES publishers,
  issuer      text NOT NULL,
  subject     text NOT NULL,
  request_id  text NOT NULL,
  reason      text,
  -- Whose records it may write: those of its publisher, or all.
  everywhere  boolean NOT NULL,
  scopes      text[] NOT NULL,
  format      text NOT NULL,
  collection  text,
  mode        text NOT NULL,
  dry_run     boolean NOT NULL,
  confirmed   boolean NOT NULL,
  status      text NOT NULL,
  report      jsonb,
  created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
  finished_at timestamptz,
  CONSTRAINT imports_mode_known CHECK (mode IN ('atomic', 'independent')),
  CONSTRAINT imports_status_known
    CHECK (status IN ('queued', 'completed', 'refused', 'unconfirmed', 'cancelled', 'failed')),
  CONSTRAINT imports_finished_has_report CHECK ((status = 'queued') = (report IS NULL)),
  CONSTRAINT imports_finished_has_instant CHECK ((status = 'queued') = (finished_at IS NULL))
);
CREATE INDEX imports_queued_idx ON imports (created_at) WHERE status = 'queued';
CREATE INDEX imports_publisher_idx ON imports (publisher, created_at);

-- How far an import is. Whoever carries one out holds its row in `imports` locked
-- until it is done, so this stands apart.
CREATE TABLE import_progress (
  import    uuid PRIMARY KEY REFERENCES imports ON DELETE CASCADE,
  read      bigint NOT NULL DEFAULT 0,
  attempts  integer NOT NULL DEFAULT 0,
  cancelled boolean NOT NULL DEFAULT false
);

CREATE TABLE import_bodies (
  import uuid NOT NULL,
  n      integer NOT NULL,
  bytes  bytea NOT NULL,
  PRIMARY KEY (import, n)
);
ALTER TABLE import_bodies ALTER COLUMN bytes SET STORAGE EXTERNAL;

-- Answers to requests that may be repeated, kept in the transaction of their effect.
CREATE TABLE idempotency_keys (
  owner       text NOT NULL,
  key         text NOT NULL,
  fingerprint text NOT NULL,
  status      integer,
  headers     jsonb,
  body        bytea,
  created_at  timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (owner, key)
);
CREATE INDEX idempotency_keys_created_at_idx ON idempotency_keys (created_at);
