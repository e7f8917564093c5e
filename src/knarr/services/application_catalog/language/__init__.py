"""MuranoPL: classes written in YAML with YAQL expressions, and what runs them."""
