-- Points of places, for boxes and distances; and the places of which something must be said
-- wherever they are named.
ALTER TABLE locations
  ADD COLUMN latitude  double precision GENERATED ALWAYS AS ((doc #>> '{point,latitude}')::double precision) STORED,
  ADD COLUMN longitude double precision GENERATED ALWAYS AS ((doc #>> '{point,longitude}')::double precision) STORED,
  ADD COLUMN noted     boolean NOT NULL GENERATED ALWAYS AS (coalesce(jsonb_typeof(doc -> 'note') = 'object', false)) STORED;
CREATE INDEX locations_point_idx ON locations (latitude, longitude);
CREATE INDEX locations_noted_idx ON locations (identifier) WHERE noted;
SELECT show_past('locations');

-- Kilometres along the surface of the earth, taken as a sphere (haversine formula, mean radius).
CREATE FUNCTION kilometres(lat1 double precision, lon1 double precision, lat2 double precision, lon2 double precision)
  RETURNS double precision
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN 2 * 6371.0088 * asin(least(1, sqrt(
  power(sin(radians(lat2 - lat1) / 2), 2)
  + cos(radians(lat1)) * cos(radians(lat2)) * power(sin(radians(lon2 - lon1) / 2), 2))));

-- Places with their point in a box: west, south, east, north. One that crosses the
-- antimeridian has its west east of its east.
CREATE FUNCTION places_in_box(box double precision[]) RETURNS SETOF text
  LANGUAGE sql STABLE PARALLEL SAFE ROWS 50
AS $$
  SELECT identifier FROM locations
  WHERE latitude BETWEEN box[2] AND box[4]
    AND CASE WHEN box[1] <= box[3] THEN longitude BETWEEN box[1] AND box[3] ELSE longitude >= box[1] OR longitude <= box[3] END
$$;

-- Places with their point so many kilometres around another: latitude, longitude, kilometres.
CREATE FUNCTION places_near(circle double precision[]) RETURNS SETOF text
  LANGUAGE sql STABLE PARALLEL SAFE ROWS 50
AS $$
  SELECT identifier FROM locations
  WHERE latitude BETWEEN circle[1] - circle[3] / 111 AND circle[1] + circle[3] / 111
    AND kilometres(circle[1], circle[2], latitude, longitude) <= circle[3]
$$;
