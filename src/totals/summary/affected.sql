-- Whose share in the summaries may change by what is to be written: the records themselves, all that
-- a flow is part of, and what takes place, sector, programme or kind from what changes these.
WITH RECURSIVE written AS MATERIALIZED (SELECT identifier, collection, doc FROM {new}),
-- Places that lie elsewhere from now on, with what lies in them.
moved AS MATERIALIZED (
  SELECT DISTINCT place
  FROM written JOIN locations l USING (identifier), places_within(ARRAY[l.identifier]) AS place
  WHERE written.collection = 'locations'
    AND (l.doc -> 'parent', l.doc -> 'kind') IS DISTINCT FROM (written.doc -> 'parent', written.doc -> 'kind')),
-- Flows that may count otherwise, or be parked; with these, so may what they are part of.
flows AS (
  SELECT identifier FROM written WHERE collection = 'transactions'
  UNION
  SELECT written.doc ->> 'parent' FROM written WHERE collection = 'transactions' AND written.doc ->> 'parent' IS NOT NULL
  UNION
  SELECT l.record
  FROM written JOIN beneficiaries b USING (identifier) JOIN links l ON l.target = b.identifier AND l.role IN ('provider', 'receiver')
  WHERE written.collection = 'beneficiaries'
    AND (b.doc -> 'kind', b.doc -> 'location', b.doc -> 'organisation')
      IS DISTINCT FROM (written.doc -> 'kind', written.doc -> 'location', written.doc -> 'organisation')),
wholes AS (
  SELECT identifier FROM flows
  UNION
  SELECT t.parent FROM wholes JOIN transactions t USING (identifier) WHERE t.parent IS NOT NULL),
affected AS (
  SELECT 'grants' AS subject, identifier FROM written WHERE collection = 'grants'
  UNION
  SELECT 'grants', l.record
  FROM written JOIN beneficiaries b USING (identifier) JOIN links l ON l.target = b.identifier JOIN grants g ON g.identifier = l.record
  WHERE written.collection = 'beneficiaries' AND b.doc -> 'kind' IS DISTINCT FROM written.doc -> 'kind'
  UNION
  SELECT 'transactions', identifier FROM wholes
  UNION
  SELECT 'transactions', t.identifier
  FROM written JOIN grants g USING (identifier) JOIN transactions t ON t.grant_id = g.identifier
  WHERE written.collection = 'grants'
    AND (g.doc -> 'programme', g.doc -> 'places', g.doc -> 'sectors')
      IS DISTINCT FROM (written.doc -> 'programme', written.doc -> 'places', written.doc -> 'sectors')
  UNION
  SELECT 'transactions', t.identifier
  FROM written JOIN programmes p USING (identifier) JOIN transactions t ON t.programme = p.identifier
  WHERE written.collection = 'programmes'
    AND (p.doc -> 'places', p.doc -> 'sectors') IS DISTINCT FROM (written.doc -> 'places', written.doc -> 'sectors')
  UNION
  SELECT 'transactions', l.record
  FROM written JOIN organisations o USING (identifier) JOIN links l ON l.target = o.identifier AND l.role = 'receiver'
  WHERE written.collection = 'organisations' AND o.doc -> 'location' IS DISTINCT FROM written.doc -> 'location'
  UNION
  SELECT 'grants', g.identifier FROM moved JOIN links l ON l.target = moved.place AND l.role = 'place' JOIN grants g ON g.identifier = l.record
  UNION
  SELECT 'transactions', t.identifier
  FROM moved JOIN links l ON l.target = moved.place AND l.role = 'place' JOIN transactions t ON t.grant_id = l.record
  UNION
  SELECT 'transactions', t.identifier
  FROM moved JOIN links l ON l.target = moved.place AND l.role = 'place' JOIN transactions t ON t.programme = l.record
  UNION
  SELECT 'transactions', r.record
  FROM moved JOIN links l ON l.target = moved.place AND l.role = 'place' JOIN links r ON r.target = l.record AND r.role = 'receiver')
-- One row, as a batch may change those of a hundred thousand records.
SELECT coalesce(array_agg(identifier) FILTER (WHERE subject = 'grants'), '{}') AS grants,
  coalesce(array_agg(identifier) FILTER (WHERE subject = 'transactions'), '{}') AS transactions
FROM affected
