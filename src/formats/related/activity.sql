(SELECT jsonb_build_object(
  'publisher', (SELECT name FROM publishers WHERE id = t.publisher),
  'above', (
    WITH RECURSIVE up AS (
      SELECT {above} AS identifier, 0 AS steps
      UNION ALL
      SELECT p.parent, steps + 1 FROM up JOIN {beside_}programmes p ON p.identifier = up.identifier WHERE p.parent IS NOT NULL)
    SELECT coalesce(jsonb_agg(p.doc ->> 'start_date' ORDER BY up.steps), '[]')
    FROM up JOIN {beside_}programmes p ON p.identifier = up.identifier),
  'below', (
    SELECT coalesce(jsonb_agg(b.identifier ORDER BY b.identifier), '[]') FROM (
      SELECT p.identifier FROM {beside_}programmes p WHERE p.parent = t.identifier
      UNION ALL
      SELECT g.identifier FROM {beside_}grants g WHERE g.programme = t.identifier) AS b),
  'programme', (
    SELECT jsonb_build_object('title', p.doc -> 'title', 'funders', (
      SELECT coalesce(jsonb_agg(DISTINCT l.target), '[]') FROM {beside_}links l
      WHERE l.record = p.identifier AND l.role = 'funding'))
    FROM {beside_}programmes p WHERE p.identifier = {above}),
  'transactions', (
    SELECT coalesce(jsonb_agg(x.doc ORDER BY x.date, x.identifier), '[]') FROM {beside_}transactions x WHERE x.{key} = t.identifier),
  'indicators', (
    SELECT coalesce(jsonb_agg(i.doc ORDER BY i.identifier), '[]') FROM {beside_}indicators i WHERE i.{key} = t.identifier),
  'observations', (
    SELECT coalesce(jsonb_agg(o.doc ORDER BY o.identifier), '[]')
    FROM {beside_}indicators i JOIN {beside_}observations o ON o.indicator = i.identifier WHERE i.{key} = t.identifier),
  'parties', (
    SELECT coalesce(jsonb_object_agg(party.identifier, party.doc), '{}')
    FROM (SELECT DISTINCT l.target FROM {beside_}links l
          WHERE l.target_collection IN ('organisations', 'beneficiaries')
            AND l.record = ANY(ARRAY[t.identifier, {above}] || ARRAY(SELECT x.identifier FROM {beside_}transactions x WHERE x.{key} = t.identifier))) AS named
    JOIN LATERAL (
      SELECT o.identifier, jsonb_build_object('name', o.doc -> 'name', 'type', o.doc -> 'type',
        'identifiers', coalesce(nullif(o.doc -> 'identifiers', 'null'), '[]')) AS doc
      FROM organisations o WHERE o.identifier = named.target
      UNION ALL
      SELECT b.identifier, jsonb_build_object('name', b.doc -> 'name', 'kind', b.doc -> 'kind',
        'identifiers', coalesce(nullif(b.doc -> 'identifiers', 'null'), '[]'))
      FROM beneficiaries b WHERE b.identifier = named.target) AS party ON true),
  'places', (
    SELECT coalesce(jsonb_object_agg(place.identifier, jsonb_build_object('name', place.doc -> 'name',
        'point', nullif(place.doc -> 'point', 'null'), 'note', nullif(place.doc -> 'note', 'null'),
        'country', place.doc -> 'country', 'country_name', coalesce(country.doc -> 'name', '{}'))), '{}')
    FROM (SELECT DISTINCT l.target FROM {beside_}links l
          WHERE l.role = 'place' AND l.record = ANY(ARRAY[t.identifier] || ARRAY(
            SELECT o.identifier FROM {beside_}indicators i JOIN {beside_}observations o ON o.indicator = i.identifier WHERE i.{key} = t.identifier))) AS named
    JOIN locations place ON place.identifier = named.target
    LEFT JOIN locations country ON country.identifier = place.doc ->> 'country' AND country.kind = 'country')
)::text)
