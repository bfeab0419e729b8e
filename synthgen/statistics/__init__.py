"""Statistics packs: published tables, read as printed, turned into statements."""
