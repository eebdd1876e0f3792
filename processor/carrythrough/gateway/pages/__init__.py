"""The live pages: sign-in, people × skills, one person; server-rendered, no build step."""
