-- A country's code is a record of its own, and begins the codes of its organisations too: who keeps
-- places owns the one and not the others.
ALTER TABLE publisher_prefixes ADD COLUMN whole boolean NOT NULL DEFAULT false;

-- Whether a prefix owns an identifier; one that is whole owns itself alone. The empty one owns
-- whatever no longer one does.
CREATE FUNCTION owns(prefix text, whole boolean, identifier text) RETURNS boolean
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN whole THEN identifier = prefix ELSE starts_with(identifier, prefix) END;

UPDATE publisher_prefixes SET whole = true
WHERE publisher = 'places' AND prefix IN ('AL', 'BA', 'DE', 'MK', 'XK')
  AND NOT EXISTS (SELECT FROM records WHERE starts_with(identifier, prefix) AND identifier <> prefix);
