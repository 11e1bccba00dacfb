-- The versions until now end where the new ones begin.
UPDATE versions SET superseded_at = $1 FROM {new}
WHERE versions.identifier = new.identifier AND versions.version = new.version - 1
