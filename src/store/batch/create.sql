-- What a batch says of each record, and what that comes to. Both go with the transaction.
CREATE TEMP TABLE batch (
  n          bigint NOT NULL,
  line       bigint NOT NULL,
  place      text NOT NULL,
  identifier text COLLATE "C" PRIMARY KEY,
  collection text NOT NULL,
  doc        jsonb,
  links      jsonb NOT NULL,
  seen       integer
) ON COMMIT DROP;
CREATE TEMP TABLE decided (
  n          bigint PRIMARY KEY,
  identifier text COLLATE "C" NOT NULL,
  collection text NOT NULL,
  version    integer NOT NULL,
  created_at timestamptz NOT NULL,
  publisher  text,
  outcome    text NOT NULL
) ON COMMIT DROP;
