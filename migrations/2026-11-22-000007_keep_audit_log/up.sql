-- The audit log: one line of JSON per act, each hashed together with the hash before
-- it. So what is edited, removed, inserted, reordered or cut off shows against a hash
-- that somebody noted.
CREATE TABLE audit_log (
  n     bigint PRIMARY KEY,
  entry text NOT NULL,
  hash  text NOT NULL,
  CONSTRAINT audit_log_hash_format CHECK (hash ~ '^[0-9a-f]{64}$')
);

-- Where the log ends; locked by who appends.
CREATE TABLE audit_head (
  only_row boolean PRIMARY KEY DEFAULT true,
  n        bigint NOT NULL,
  hash     text NOT NULL,
  CONSTRAINT audit_head_only_row CHECK (only_row)
);
INSERT INTO audit_head (n, hash) VALUES (0, repeat('0', 64));

CREATE FUNCTION audit_append(act jsonb) RETURNS void
  LANGUAGE plpgsql
AS $$
DECLARE
  head  audit_head;
  line  text;
  chain text;
BEGIN
  SELECT * INTO head FROM audit_head FOR UPDATE;
  line := (jsonb_build_object('n', head.n + 1,
    'at', to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')) || act)::text;
  chain := encode(sha256(convert_to(head.hash || line, 'UTF8')), 'hex');
  INSERT INTO audit_log (n, entry, hash) VALUES (head.n + 1, line, chain);
  UPDATE audit_head SET n = head.n + 1, hash = chain;
END $$;

CREATE FUNCTION audit_log_is_append_only() RETURNS trigger
  LANGUAGE plpgsql
AS $$
BEGIN
  RAISE EXCEPTION 'the audit log is append-only';
END $$;
CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
  FOR EACH STATEMENT EXECUTE FUNCTION audit_log_is_append_only();
REVOKE UPDATE, DELETE, TRUNCATE ON audit_log FROM PUBLIC, CURRENT_USER;
