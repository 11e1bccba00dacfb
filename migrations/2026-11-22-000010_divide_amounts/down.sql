DROP FUNCTION places_at, inside, divide, parts;
