"""What differs between platforms, one file each: processes, locks, file watching, credentials."""
