"""How people read: translation, French and English formats, shapes of states; pure."""
