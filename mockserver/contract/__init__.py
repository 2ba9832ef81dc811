"""The contract: `openapi.yaml` compiled into operations and schema checks, and the documents that ship with us."""

from mockserver.contract.contract import IN_CLEAR, Contract, Operation, Seen, load_document

__all__ = ["IN_CLEAR", "Contract", "Operation", "Seen", "load_document"]
