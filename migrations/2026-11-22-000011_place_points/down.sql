DROP FUNCTION places_near, places_in_box, kilometres;
ALTER TABLE locations DROP COLUMN latitude, DROP COLUMN longitude, DROP COLUMN noted;
SELECT show_past('locations');
