"""The smaller GPU clouds, managed GPU services and dedicated endpoints; one file a cloud."""
