"""Mock Flow Service: a stand-in for Adobe Experience Platform's Flow Service API."""

__version__ = "0.1.0"
