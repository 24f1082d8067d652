"""The members' objects: who should be heard, without any key (MISSION, "The object list")."""
