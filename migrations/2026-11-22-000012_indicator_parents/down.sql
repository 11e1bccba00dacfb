ALTER TABLE indicators DROP COLUMN parent CASCADE, DROP COLUMN additive CASCADE;
SELECT show_past('indicators');
