"""Where state is kept between callbacks: SQLite files and PostgreSQL."""
