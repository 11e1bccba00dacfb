-- Records that are no more leave their collection.
DELETE FROM {collection} USING {new}
WHERE {collection}.identifier = new.identifier AND new.collection = '{collection}' AND new.doc IS NULL
