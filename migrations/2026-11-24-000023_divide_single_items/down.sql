DROP FUNCTION parts(jsonb, text);
DROP FUNCTION restricted(jsonb, text[]);
DROP FUNCTION inside(numeric, jsonb, text[]);
ALTER FUNCTION parts_of_several(jsonb, text) RENAME TO parts;
ALTER FUNCTION restricted_several(jsonb, text[]) RENAME TO restricted;
ALTER FUNCTION inside_of_several(numeric, jsonb, text[]) RENAME TO inside;
