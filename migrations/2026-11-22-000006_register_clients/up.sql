-- Who writes for whom: subjects of trusted issuers. One that is revoked stays, and is refused.
CREATE TABLE clients (
  id         text PRIMARY KEY,
  publisher  text COLLATE "C" NOT NULL REFERENCES publishers,
  issuer     text NOT NULL,
  subject    text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  revoked_at timestamptz,
  CONSTRAINT clients_issuer_subject_key UNIQUE (issuer, subject)
);
CREATE INDEX clients_publisher_idx ON clients (publisher, id);
