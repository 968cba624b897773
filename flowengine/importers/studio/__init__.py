"""Flows of Twilio Studio, in the JSON that it exports."""
