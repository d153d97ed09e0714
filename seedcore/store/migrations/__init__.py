"""
The schema's history; the file names are recorded in the database, so none is ever renamed.
"""
