-- What a batch says of each record, and what that comes to. Both go with the transaction.
CREATE TEMP TABLE batch (
  n          bigint NOT NULL,
  line       bigint NOT NULL,
  place      text NOT NULL,
  identifier text COLLATE "C" PRIMARY KEY,
  collection text NOT NULL,
  doc        jsonb,
  links      jsonb NOT NULL,
  seen       integer,
  faulty     boolean NOT NULL,
  stance     text NOT NULL
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
-- What the register says against records of the batch, and whom it is about.
CREATE TEMP TABLE complaints (
  n         bigint NOT NULL,
  pointer   text NOT NULL,
  code      text NOT NULL,
  target    text NOT NULL,
  wanted    text,
  elsewhere text
) ON COMMIT DROP;
-- What references are to and will not be there.
CREATE TEMP TABLE missing (
  target     text COLLATE "C" NOT NULL,
  collection text NOT NULL,
  code       text NOT NULL,
  elsewhere  text
) ON COMMIT DROP;
