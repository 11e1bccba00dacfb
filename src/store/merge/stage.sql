-- What refers to $1 refers to $2 from then on, which is found by the identifiers of both.
INSERT INTO merging (n, identifier, collection, publisher, version, change, created_at, doc, links, merged_into)
WITH current AS MATERIALIZED (
  SELECT v.identifier, v.collection, v.publisher, v.version, v.created_at, v.doc, v.links
  FROM (SELECT record AS identifier FROM links WHERE target = $1 UNION VALUES ($1), ($2)) AS touched
  JOIN records r USING (identifier) JOIN versions v ON v.identifier = r.identifier AND v.version = r.version
), changed AS (
  SELECT identifier, collection, publisher, version, created_at, doc AS before,
    CASE WHEN identifier = $2
      THEN jsonb_set(moved(doc, links, $1, $2), '{identifiers}',
        joined_identifiers(doc -> 'identifiers', (SELECT gone.doc -> 'identifiers' FROM current gone WHERE gone.identifier = $1)))
      ELSE moved(doc, links, $1, $2)
    END AS doc,
    relinked(links, $1, $2) AS links
  FROM current WHERE identifier <> $1
)
SELECT row_number() OVER (ORDER BY identifier), identifier, collection, publisher, version + 1, 'changed', created_at, doc, links, NULL
FROM changed WHERE doc <> before
UNION ALL
SELECT (SELECT count(*) FROM changed WHERE doc <> before) + 1, identifier, collection, publisher, version + 1, 'merged', created_at, NULL, '[]', $2
FROM current WHERE identifier = $1
