"""What clones and clips share: their record, delivery and durations."""
