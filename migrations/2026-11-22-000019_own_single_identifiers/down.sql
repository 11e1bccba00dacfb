DROP FUNCTION owns;
DELETE FROM publisher_prefixes WHERE prefix = '';
ALTER TABLE publisher_prefixes DROP COLUMN whole;
