-- Whom the written records referred to until now.
DELETE FROM links USING {new} WHERE links.record = new.identifier AND new.version > 1
