"""What a picture shows: faces, hands, people, found by networks that ask for nothing to be fetched."""
