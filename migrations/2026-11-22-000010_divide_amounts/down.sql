DROP FUNCTION places_at, restricted, inside, divide, parts;
