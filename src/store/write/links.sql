-- Whom the written records refer to now.
INSERT INTO links (record, pointer, role, target, target_collection)
SELECT new.record, link ->> 'pointer', link ->> 'role', link ->> 'target', link ->> 'collection'
FROM unnest($1, $2) AS new (record, links), jsonb_array_elements(new.links) AS link
