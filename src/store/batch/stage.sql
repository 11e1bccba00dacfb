INSERT INTO batch (n, line, place, identifier, collection, doc, links, seen, faulty, stance)
SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (identifier) DO NOTHING
