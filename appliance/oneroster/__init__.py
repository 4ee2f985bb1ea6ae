"""The OneRoster CSV importer: from an exporter's ZIP or folder to a plan that changes nothing by itself."""
