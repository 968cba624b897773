"""Documents of VoiceXML 2.0 and 2.1."""
