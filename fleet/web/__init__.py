"""What people and machines see: every route, pages and JSON; pages in French and English."""
