-- Whom they refer to now.
INSERT INTO links (record, pointer, role, target, target_collection)
SELECT new.identifier, link ->> 'pointer', link ->> 'role', link ->> 'target', link ->> 'collection'
FROM {new}, jsonb_array_elements(new.links) AS link
