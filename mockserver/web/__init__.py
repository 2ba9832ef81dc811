"""The emulator over HTTP. The only folder that imports Flask: `application.py` and the pages it lists."""
