"""What tests need: real small repositories, faulty servers, simulated services and targets."""
